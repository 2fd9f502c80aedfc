/** The statements of a chunk of R, by lines: what Ctrl+Enter runs. */

/** First and last line of a statement, counted from 0. */
export type Rows = [first: number, last: number];

const TOKEN = new RegExp(
  [
    '(?<blank>[^\\S\\n]+|#.*)',
    '(?<newline>\\n)',
    '(?<raw>[rR](?<quote>["\'])(?<dashes>-*)(?:\\([^]*?\\)|\\[[^]*?\\]|\\{[^]*?\\})\\k<dashes>\\k<quote>)',
    '(?<text>"(?:\\\\[^]|[^"\\\\])*(?:"|$)|\'(?:\\\\[^]|[^\'\\\\])*(?:\'|$)|`[^`]*(?:`|$))',
    '(?<word>[\\p{L}\\p{N}_.]+)',
    '(?<operator>%[^%\\n]*%|[^])'
  ].join('|'),
  'uy'
);
/** Words whose parentheses are followed by the expression that they are about. */
const HEADS = new Set(['if', 'for', 'while', 'function', '\\']);
const INCOMPLETE = new Set([...HEADS, 'else', 'repeat']);
const OPEN = '([{';
const CLOSE = ')]}';

/** The statements; several on one line are one. One that never ends has all lines below it. */
export function statementsOf(code: string): Rows[] {
  const found: Rows[] = [];
  const open: boolean[] = []; // for each bracket whether an expression follows it
  let row = 0;
  let first = -1;
  let isIncomplete = false;
  let last = '';
  const finish = () => {
    if (first >= 0) {
      found.push([first, row]);
    }
    first = -1;
  };
  for (const { text, isBlank } of tokens(code)) {
    if (text === '\n') {
      if (!open.length && !isIncomplete) {
        finish();
      }
    } else if (!isBlank) {
      first = first < 0 ? row : first;
      isIncomplete = isOperator(text) || INCOMPLETE.has(text);
      if (OPEN.includes(text)) {
        open.push(text === '(' && HEADS.has(last));
      } else if (CLOSE.includes(text)) {
        isIncomplete = open.pop() ?? false;
      }
      last = text;
    }
    row += text.split('\n').length - 1;
  }
  finish();
  return found;
}

function* tokens(code: string): Generator<{ text: string; isBlank: boolean }> {
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(code); found; found = TOKEN.exec(code)) {
    yield { text: found[0], isBlank: found.groups!.blank !== undefined };
  }
}

function isOperator(text: string): boolean {
  return /^(%.*%|[-+*/^<>=!&|~?:,$@])$/.test(text);
}
