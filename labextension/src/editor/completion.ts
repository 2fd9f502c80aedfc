/** What the editor completes in the first lines and options of chunks, and labels of chunks where the text refers to them. */
import { Chunk, chunksOf, labelOf } from './chunks';

/** What can stand from `start` to `end`, positions in the text. */
export interface Completion {
  start: number;
  end: number;
  items: string[];
}

/** knitr's own, which a test compares with R, and those of services and rmarkdown that users set by hand. */
export const ENGINES =
  'asis awk bash block block2 c cat cc comment css dot embed exec fortran gawk go groovy haskell highlight js julia node ' +
  'octave perl psql python r Rcpp Rscript ruby sas sass scala scss sed sh sql stan stata tikz verbatim zsh';
export const OPTIONS =
  'aniopts autodep background cache cache.lazy cache.path cache.vars child class.output class.source code collapse comment ' +
  'connection dependson dev dev.args dpi echo engine error eval fig.align fig.alt fig.asp fig.cap fig.dim fig.env fig.ext ' +
  'fig.height fig.keep fig.link fig.ncol fig.path fig.pos fig.retina fig.scap fig.show fig.subcap fig.width file highlight ' +
  'include interval max.print message opts.label out.extra out.height out.width output.var prompt purl ref.label render ' +
  'results size split strip.white tidy tidy.opts warning';

const OPENING = /^[\t >]*```+\s*\{/;
const STRINGS = `(?:c\\()?(?:\\s*["'][^"']*["']\\s*,)*\\s*["']([^"',]*)$`;
const LABEL_IN_HEADER = new RegExp(`\\b(?:ref\\.label|dependson)\\s*=\\s*${STRINGS}`);
const LABEL_IN_LINE = /^\s*#\|\s*(?:ref\.label|dependson):.*?([^\s"',[\]]*)$/;
const OPTION_IN_LINE = /^\s*#\|\s*([\w.-]*)$/;
const OTHER_CHUNK = /<<([^<>]*)$/;
const REFERENCE = /\\@ref\(([\w:.-]*)$/;
/** Identifiers of headings, equations and tables in the text. */
const IDENTIFIER = /\{#([\w:.-]+)|\(\\#([\w:.-]+)\)/g;

/** What can be completed at a position of the document; null in plain code and text. */
export function complete(text: string, position: number): Completion | null {
  const first = text.lastIndexOf('\n', position - 1) + 1;
  const line = text.slice(first, position);
  const lines = text.split('\n');
  const row = text.slice(0, position).split('\n').length - 1;
  const chunks = chunksOf(lines);
  const chunk = chunks.find(({ first, last }) => first <= row && row <= last);
  const found =
    OPENING.test(line) && (!chunk || chunk.first === row)
      ? inHeader(line.replace(OPENING, ''), labelsOf(chunks, chunk))
      : chunk
        ? inChunk(line, labelsOf(chunks, chunk))
        : inText(line, () => identifiersOf(text, chunks));
  if (!found) {
    return null;
  }
  const [typed, candidates] = found;
  const items = candidates.filter(item => item !== typed && item.startsWith(typed));
  return { start: position - typed.length, end: position, items };
}

/** What was typed, and what it may become. */
type Found = [typed: string, candidates: string[]];

function inHeader(header: string, labels: string[]): Found | null {
  const label = LABEL_IN_HEADER.exec(header);
  if (label) {
    return [label[1], labels];
  }
  if (/^\w*$/.test(header)) {
    return [header, ENGINES.split(' ')];
  }
  const [, before, typed] = /^(.*[ ,])([\w.]*)$/.exec(header) ?? [];
  const isName = before !== undefined && !/=\s*$/.test(before) && isBalanced(before);
  return isName ? [typed, OPTIONS.split(' ').map(option => `${option}=`)] : null;
}

/** Whether no string and no parenthesis is open at the end. */
function isBalanced(header: string): boolean {
  const rest = header.replace(/"[^"]*"|'[^']*'/g, '');
  return !/["']/.test(rest) && rest.split('(').length === rest.split(')').length;
}

function inChunk(line: string, labels: string[]): Found | null {
  const label = LABEL_IN_LINE.exec(line) ?? OTHER_CHUNK.exec(line);
  if (label) {
    return [label[1], labels];
  }
  const option = OPTION_IN_LINE.exec(line);
  const names = OPTIONS.split(' ').map(name => `${name.replace(/^(fig|out)\./, '$1-')}: `);
  return option && [option[1], ['label: ', ...names]];
}

function inText(line: string, identifiers: () => string[]): Found | null {
  const reference = REFERENCE.exec(line);
  return reference && [reference[1], identifiers()];
}

function labelsOf(chunks: readonly Chunk[], other?: Chunk): string[] {
  return chunks.flatMap(chunk => (chunk === other ? [] : (labelOf(chunk) ?? [])));
}

/** What bookdown's references can name. */
function identifiersOf(text: string, chunks: readonly Chunk[]): string[] {
  const named = Array.from(text.matchAll(IDENTIFIER), found => found[1] ?? found[2]);
  const labels = labelsOf(chunks);
  return [...new Set([...labels.map(label => `fig:${label}`), ...labels.map(label => `tab:${label}`), ...named])];
}
