/** Puts code where the user works: the active cell of a notebook, the prompt of a console, or an open file. */
import { CodeEditor } from '@jupyterlab/codeeditor';
import { Widget } from '@lumino/widgets';

/** The parts of a notebook, a console and a file that hold an editor. */
interface Working {
  content?: { activeCell?: { editor: CodeEditor.IEditor | null }; editor?: CodeEditor.IEditor; mode?: string };
  console?: { promptCell?: { editor: CodeEditor.IEditor | null } };
}

const NOWHERE = 'Open a notebook, a console or a file first, and put the cursor where the code belongs.';

/** Insert code at the cursor, and move the keyboard there; returns what to tell the user. */
export function insertCode(current: Widget | null, code: string): string {
  const editor = editorOf(current);
  if (!editor) {
    return NOWHERE;
  }
  const { line, column } = editor.getCursorPosition();
  const text = editor.getLine(line) ?? '';
  editor.replaceSelection?.(linesBetween(text.slice(0, column), code, text.slice(column)));
  const { content } = (current ?? {}) as Working;
  if (content?.activeCell) {
    content.mode = 'edit';
  }
  editor.focus();
  return 'Inserted.';
}

/** The editor where the user works, if there is one. */
export function editorOf(current: Widget | null): CodeEditor.IEditor | null {
  const { content, console } = (current ?? {}) as Working;
  return content?.activeCell?.editor ?? console?.promptCell?.editor ?? content?.editor ?? null;
}

/** The code on lines of its own, between what stands before and after the cursor on its line. */
export function linesBetween(before: string, code: string, after: string): string {
  return (before.trim() ? '\n' : '') + code + (after.trim() ? '\n' : '');
}
