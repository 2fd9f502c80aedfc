/** JupyterLab's colours for what the language server shows in an editor; CodeMirror's own are for light editors. */
import { EditorView } from '@codemirror/view';

const BOX = {
  backgroundColor: 'var(--jp-layout-color1)',
  color: 'var(--jp-ui-font-color1)',
  border: '1px solid var(--jp-border-color1)'
};

/** JupyterLab has no name for it; the editor of R Markdown gives it the same one. */
export const name = EditorView.contentAttributes.of({ 'aria-label': 'Source of the document' });

export const look = EditorView.theme({
  '.cm-tooltip': { ...BOX, maxWidth: '40rem', zIndex: '100' },
  '.cm-panels': BOX,
  '.cm-tooltip .cm-lsp-documentation pre': { whiteSpace: 'pre-wrap', fontFamily: 'var(--jp-code-font-family)' },
  '.cm-diagnostic': { color: 'var(--jp-ui-font-color1)' },
  '.cm-diagnosticSource': { color: 'var(--jp-ui-font-color2)', opacity: '1' },
  '.cm-panel.cm-panel-lint ul [aria-selected], .cm-panel.cm-panel-lint ul:focus [aria-selected]': {
    backgroundColor: 'var(--jp-layout-color2)',
    color: 'var(--jp-ui-font-color1)'
  },
  '.cm-panel.cm-panel-lint [name=close]': { color: 'inherit' },
  '.cm-lintRange-info': { textDecoration: 'underline dotted var(--jp-info-color1) 2px', backgroundImage: 'none' }
});
