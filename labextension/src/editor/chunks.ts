/** The chunks of an R Markdown document, and what the notebook runs for each: `rmarkdown/document.py` and `cells.py` in the browser. */

/** Lines are counted from 0. */
export interface Chunk {
  /** The line with its braces. */
  first: number;
  /** Its closing line, or the last one of a chunk that never ends. */
  last: number;
  /** What stands in the braces: engine, label and options. */
  header: string;
  /** The lines between, without the indentation or quotation of the chunk. */
  code: string[];
}

/** What R's regular expressions take for white space. */
const SPACE = '[\\t-\\r \\u1680\\u2000-\\u2006\\u2008-\\u200a\\u2028\\u2029\\u205f\\u3000]';
const HEADER = '[A-Za-z0-9_]+(?: *[ ,].*)?';
const BEGIN = new RegExp(`^(?<fence>(?<prefix>[\\t >]*)\`\`\`+)${SPACE}*\\{(?<header>${HEADER})\\}${SPACE}*$`, 's');
const END = new RegExp(`^[\\t >]*\`\`\`+${SPACE}*$`);
const HEAD_BEGIN = /^\ufeff?---[ \t]*$/;
const HEAD_END = /^(---|\.\.\.)[ \t]*$/;

type Groups = { fence: string; prefix: string; header: string };

function beginOf(line: string): Groups | null {
  return line.includes('```') ? ((BEGIN.exec(line)?.groups as Groups | undefined) ?? null) : null;
}

/** The chunks of a document by knitr's rules. */
export function chunksOf(lines: readonly string[]): Chunk[] {
  const end = lines.length && lines[lines.length - 1] === '' ? lines.length - 1 : lines.length;
  const start = headLength(lines);
  const chunks: Chunk[] = [];
  let open: { first: number; begin: Groups } | null = null;
  const close = (last: number) => {
    chunks.push(chunk(lines, open!.first, last, open!.begin));
    open = null;
  };
  for (let row = start; row < end; row++) {
    const line = lines[row];
    if (!line.includes('```')) {
      continue;
    }
    const begin = beginOf(line);
    if (open === null) {
      open = begin && { first: row, begin };
    } else if (begin && line.startsWith(open.begin.fence + '{')) {
      close(row - 1);
      open = { first: row, begin };
    } else if (END.test(line) && (open.first === 0 || ends(lines, row, end, open.begin.fence))) {
      close(row); // knitr takes any end for the end of a chunk in the first line of a file
    }
  }
  if (open) {
    close(end - 1);
  }
  return chunks;
}

/** The length of the YAML head. knitr knows none, so one with a line that begins a chunk is no head. */
export function headLength(lines: readonly string[]): number {
  if (!HEAD_BEGIN.test(lines[0] ?? '')) {
    return 0;
  }
  const end = lines.findIndex((line, row) => row > 0 && HEAD_END.test(line));
  return lines.slice(0, end + 1).some(line => beginOf(line)) ? 0 : end + 1;
}

/** Whether this line ends the chunk: its own fence does, any other one if its own does not come before a next chunk. */
function ends(lines: readonly string[], row: number, end: number, fence: string): boolean {
  const isOwn = (line: string) => line.startsWith(fence) && new RegExp(`^${SPACE}*$`).test(line.slice(fence.length));
  if (isOwn(lines[row])) {
    return true;
  }
  const rest = lines.slice(row + 1, end);
  const later = rest.findIndex(isOwn);
  return later < 0 || rest.slice(0, later).some(line => line.startsWith(fence) && /^`*\{/.test(line.slice(fence.length)));
}

function chunk(lines: readonly string[], first: number, last: number, begin: Groups): Chunk {
  const isClosed = last > first && END.test(lines[last]);
  const body = lines.slice(first + 1, isClosed ? last : last + 1);
  const bare = begin.prefix.trimEnd();
  const code = body.map(line => line.slice([begin.prefix, bare].find(prefix => line.startsWith(prefix))?.length ?? 0));
  return { first, last, header: begin.header.trim(), code };
}

/** What the kernel runs for a chunk: the cell that the notebook has for it. */
export function cellOf({ header, code }: Chunk): string {
  const text = code.join('\n');
  if (header === 'r' && !text.startsWith('%%')) {
    return text;
  }
  return code.length ? `%%${header}\n${text}` : `%%${header}`;
}

/** What the kernel runs for some lines of a chunk of R: what the user has chosen is run, whatever the options are. */
export function linesCellOf(code: string): string {
  return `%%r, eval=TRUE\n${code.replace(/^(\s*#\|.*(\n|$))+/, '')}`;
}

/** Whether R itself runs the chunk, and no other engine of knitr. */
export function isR(chunk: Chunk): boolean {
  return /^r\b/i.test(chunk.header);
}

/** The name of a chunk for the user: its label, or else its line. */
export function nameOf(chunk: Chunk): string {
  const label = labelOf(chunk);
  return label ? `chunk ${label}` : `the chunk in line ${chunk.first + 1}`;
}

export function labelOf({ header, code }: Chunk): string | undefined {
  return (
    /^\w+[ ,]+([^,=]+?) *(,|$)/.exec(header)?.[1] ??
    /\blabel *= *["']([^"']+)/.exec(header)?.[1] ??
    /^(?:#|--|\/\/)\| *label: *(.+?) *$/m.exec(code.join('\n'))?.[1]
  );
}

/** The text by which a chunk is found again after it was removed. */
export function sourceOf({ header, code }: Chunk): string {
  return [header, ...code].join('\n');
}

/** The document with empty lines in place of its head and its chunks. */
export function textOf(source: string): string {
  const lines = source.split('\n');
  const chunks = chunksOf(lines);
  lines.fill('', 0, headLength(lines));
  chunks.forEach(({ first, last }) => lines.fill('', first, last + 1));
  return lines.join('\n');
}
