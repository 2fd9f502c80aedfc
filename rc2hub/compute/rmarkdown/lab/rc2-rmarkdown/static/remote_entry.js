// JupyterLab offers for a file what is registered for its type, so R Markdown is a type with the editor, the default, and the
// notebook. This is the interface of a prebuilt extension, written by hand: it needs no module of JupyterLab, so no build.
const plugin = {
  id: 'rc2-rmarkdown:file-type',
  description: 'Opens R Markdown and Quarto documents as text and as notebooks.',
  autoStart: true,
  activate: app => {
    app.docRegistry.addFileType(
      { name: 'rmarkdown', displayName: 'R Markdown', extensions: ['.Rmd', '.qmd'], mimeTypes: ['text/x-rmarkdown'] },
      ['Editor', 'Notebook']
    );
  }
};

window._JUPYTERLAB = window._JUPYTERLAB || {};
window._JUPYTERLAB['rc2-rmarkdown'] = {
  init: () => undefined,
  get: () => Promise.resolve(() => ({ __esModule: true, default: plugin }))
};
