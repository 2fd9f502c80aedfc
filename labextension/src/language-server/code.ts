/** What the language server is given of a document: its R, each part at its own position. */
import { ChangeSet, Text } from '@codemirror/state';

import { Chunk, chunksOf, isR } from '../editor/chunks';

/** A script as it is; of R Markdown the code of chunks of R, and spaces in place of everything else. */
export function codeOf(path: string, text: Text): Text {
  return /\.r$/i.test(path) ? text : Text.of(codeLines(text.toJSON()));
}

function codeLines(lines: string[]): string[] {
  const code = lines.map(line => ' '.repeat(line.length));
  for (const chunk of chunksOf(lines).filter(isR)) {
    chunk.code.forEach((line, row) => {
      const place = chunk.first + 1 + row;
      code[place] = ' '.repeat(lines[place].length - line.length) + line;
    });
  }
  return code;
}

/** The lines of each chunk of R that can be formatted, from the first to the one after the last: not those that are indented or quoted. */
export function chunkRanges(lines: string[]): [first: number, end: number][] {
  const isPlain = ({ first, code }: Chunk) => code.length > 0 && lines[first].startsWith('`');
  return chunksOf(lines)
    .filter(chunk => isR(chunk) && isPlain(chunk))
    .map(({ first, code }) => [first + 1, first + 1 + code.length]);
}

/** Names that a document has without R code that makes them: its parameters, and results of chunks of other engines. */
export function givenNames(lines: string[]): Set<string> {
  const outputs = chunksOf(lines).map(({ header, code }) => [header, ...code].join('\n'));
  const found = outputs.flatMap(text =>
    Array.from(text.matchAll(/\boutput[.-]var *[=:] *["']?([\w.]+)/g), ([, name]) => name)
  );
  return new Set(['params', ...found]);
}

/** One change that makes a text from another one. */
export function difference(before: Text, after: Text): ChangeSet {
  const [old, current] = [before.toString(), after.toString()];
  const shorter = Math.min(old.length, current.length);
  let start = 0;
  while (start < shorter && old[start] === current[start]) {
    start++;
  }
  let end = 0;
  while (end < shorter - start && old[old.length - 1 - end] === current[current.length - 1 - end]) {
    end++;
  }
  const insert = after.slice(start, current.length - end);
  return ChangeSet.of({ from: start, to: old.length - end, insert }, old.length);
}

/** Where a position of a text is after its formatting: behind as many characters that are no white space. */
export function placeAfter(old: string, position: number, formatted: string): number {
  let left = old.slice(0, position).replace(/\s/g, '').length;
  let place = 0;
  while (left > 0 && place < formatted.length) {
    left -= /\s/.test(formatted[place++]) ? 0 : 1;
  }
  return place;
}
