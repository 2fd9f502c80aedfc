/** The panel beside an R Markdown document that shows it as it will be knitted. */
import { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget, ToolbarButton } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import { SourceDocument } from '../source';
import { PreviewClient } from './client';
import { codeStyle, withColours } from './colours';
import { frameWith } from './frame';
import { describe, News } from './messages';

/** Milliseconds without a key before the text is sent. */
const EDIT_DELAY = 150;
const NO_ANSWER = 'Your server does not answer; trying again.';
/** Variables of JupyterLab's theme that the frame takes over. */
const THEME = {
  '--background': '--jp-layout-color0',
  '--text': '--jp-content-font-color1',
  '--link': '--jp-content-link-color',
  '--border': '--jp-border-color1',
  '--code': '--jp-layout-color2',
  '--accent': '--jp-brand-color1'
};

export function createPreview(
  app: JupyterFrontEnd,
  document: SourceDocument,
  languages: IEditorLanguageRegistry
): MainAreaWidget<Preview> {
  const content = new Preview(app, document, languages);
  const panel = new MainAreaWidget({ content });
  panel.id = `rc2-preview:${document.context.path}`;
  panel.title.label = `Preview of ${PathExt.basename(document.context.path)}`;
  panel.title.closable = true;
  panel.toolbar.addItem(
    'everything',
    new ToolbarButton({
      icon: refreshIcon,
      label: 'Run Everything',
      tooltip: 'Run the whole document again, in a new R',
      onClick: () => content.client.runEverything()
    })
  );
  panel.toolbar.addItem('stop', content.stopButton);
  document.disposed.connect(() => panel.dispose());
  return panel;
}

export class Preview extends Widget {
  readonly client: PreviewClient;
  private status = document.createElement('p');
  readonly stopButton: ToolbarButton;
  private frame = document.createElement('iframe');
  private pending: object[] = [];
  private ready = false;
  private timer = 0;
  private code = codeStyle();
  private coloured: Promise<void> = Promise.resolve();

  constructor(
    private app: JupyterFrontEnd,
    private source: SourceDocument,
    private languages: IEditorLanguageRegistry
  ) {
    super();
    this.id = `rc2-preview-page:${source.context.path}`;
    this.addClass('rc2-Preview');
    this.status.className = 'rc2-Preview-status';
    this.status.setAttribute('role', 'status');
    this.stopButton = new ToolbarButton({
      icon: stopIcon,
      label: 'Stop',
      tooltip: 'Interrupt the chunk that runs',
      onClick: () => this.client.stop()
    });
    this.stopButton.hide();
    this.frame.title = `Preview of ${PathExt.basename(source.context.path)}`;
    // without allow-same-origin: what runs in the frame has neither the user's cookies nor JupyterLab's page
    this.frame.setAttribute('sandbox', 'allow-scripts allow-popups allow-popups-to-escape-sandbox');
    this.frame.srcdoc = frameWith(this.code.rules);
    this.node.append(this.status, this.frame);
    this.client = new PreviewClient(app.serviceManager.serverSettings, source.context.path, {
      text: () => source.context.model.toString(),
      show: news => this.showNews(news),
      wait: () => (this.status.textContent = NO_ANSWER)
    });
    window.addEventListener('message', this);
    // not awaited when the page is restored: documents are loaded only afterwards
    void source.context.ready.then(() => this.isDisposed || this.client.connect());
    source.context.model.contentChanged.connect(this.edited, this);
  }

  dispose(): void {
    if (!this.isDisposed) {
      window.removeEventListener('message', this);
      window.clearTimeout(this.timer);
      this.source.context.model?.contentChanged.disconnect(this.edited, this);
      this.client.dispose();
      super.dispose();
    }
  }

  /** A message of the frame. */
  handleEvent(event: MessageEvent): void {
    if (event.source !== this.frame.contentWindow) {
      return;
    }
    if (event.data.ready) {
      this.ready = true;
      this.takeTheme();
      this.pending.splice(0).forEach(message => this.post(message));
    } else if (event.data.line) {
      this.app.shell.activateById(this.source.id);
      this.source.content.editor.setCursorPosition({ line: event.data.line - 1, column: 0 });
    }
  }

  /** Use the colours of JupyterLab's theme. */
  takeTheme(): void {
    const style = getComputedStyle(document.body);
    const names = [...Object.entries(THEME), ...this.code.variables.map(variable => [variable, variable])];
    const values = names.map(([name, variable]) => [name, style.getPropertyValue(variable)]);
    const light = document.body.dataset.jpThemeLight !== 'false';
    this.post({ theme: { ...Object.fromEntries(values), '--scheme': light ? 'light' : 'dark' } });
  }

  /** The page is drawn again when the panel is moved to another place. */
  protected onBeforeDetach(_: Message): void {
    this.ready = false;
  }

  private edited(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.client.edit(), EDIT_DELAY);
  }

  private showNews(news: News): void {
    this.status.textContent = describe(news);
    this.stopButton.setHidden(news.running === null);
    this.coloured = this.coloured.then(() => this.showPage(news)); // in the order in which they come
  }

  private async showPage(news: News): Promise<void> {
    for (const [key, html] of Object.entries(news.html)) {
      news.html[key] = await withColours(html, this.languages).catch(() => html);
    }
    if (!this.isDisposed) {
      this.post({ news, line: this.source.content.editor.getCursorPosition().line + 1 });
    }
  }

  private post(message: object): void {
    if (this.ready) {
      this.frame.contentWindow?.postMessage(message, '*');
    } else {
      this.pending.push(message);
    }
  }
}
