// Collects the files of JupyterLab's page that are the same for all users, compressed, in a folder named by their hash.
//
//     node labextension/lab-files.mjs TARGET JUPYTER LABEXTENSIONS
//
// TARGET/HASH then has static/ (JupyterLab itself), extensions/NAME/static/ and extensions.json, which maps the name of an
// extension to the file with which the page loads it. JUPYTER is a folder share/jupyter; LABEXTENSIONS has Rc²'s panels.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const [target, jupyter, panels] = process.argv.slice(2);
// what a page loads; index.html is made by each server, and maps and licenses are not loaded
const WANTED = /\.(js|css|svg|png|gif|jpg|woff2?|ttf|eot|wasm)$/;
const COMPRESSED = /\.(png|gif|jpg|woff2?)$/;
// 11 needs 14 times as long for 9 % less
const BROTLI = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 9, [zlib.constants.BROTLI_PARAM_LGWIN]: 22 } };

/** The packages in a folder labextensions: NAME or @SCOPE/NAME. */
function packages(folder) {
  if (!fs.existsSync(folder)) return [];
  const names = fs.readdirSync(folder);
  const inner = name => fs.readdirSync(path.join(folder, name)).map(each => `${name}/${each}`);
  return names.flatMap(name => (name.startsWith('@') ? inner(name) : [name])).map(name => path.join(folder, name));
}

const files = new Map();
const extensions = {};

function collect(from, to) {
  for (const name of fs.readdirSync(from)) {
    if (WANTED.test(name)) files.set(`${to}/${name}`, fs.readFileSync(path.join(from, name)));
  }
}

collect(path.join(jupyter, 'lab', 'static'), 'static');
for (const folder of [...packages(panels), ...packages(path.join(jupyter, 'labextensions'))]) {
  const { name, jupyterlab } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  if (extensions[name]) continue; // as Jupyter has it, the first folder counts
  extensions[name] = jupyterlab._build.load;
  collect(path.join(folder, 'static'), `extensions/${name}/static`);
}

const hash = createHash('sha256');
for (const [name, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${name}\0${content.length}\0`).update(content);
const folder = path.join(target, hash.digest('hex').slice(0, 16));
fs.rmSync(target, { recursive: true, force: true });
for (const [name, content] of files) {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  if (COMPRESSED.test(name)) {
    fs.writeFileSync(file, content);
  } else {
    fs.writeFileSync(`${file}.gz`, zlib.gzipSync(content, { level: 9 }));
    fs.writeFileSync(`${file}.br`, zlib.brotliCompressSync(content, BROTLI));
  }
}
fs.writeFileSync(path.join(folder, 'extensions.json'), JSON.stringify(extensions));
