/** The client of the language server: connects the open documents of R with it. */
import { lintGutter, nextDiagnostic, openLintPanel } from '@codemirror/lint';
import { hoverTooltips, jumpToDefinition, LSPClient, LSPPlugin, signatureHelp } from '@codemirror/lsp-client';
import { Compartment, Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { JupyterFrontEnd } from '@jupyterlab/application';
import { InputDialog, Notification, Sanitizer } from '@jupyterlab/apputils';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { CompletionHandler } from '@jupyterlab/completer';

import type { SourceDocument } from '../source';
import { complete } from './complete';
import { Connection } from './connection';
import { diagnostics } from './diagnostics';
import { format, rename } from './edits';
import { look, name } from './look';
import { RWorkspace } from './workspace';

/** Characters; a longer document is edited without the language server. */
const LONGEST = 2_000_000;
/** Milliseconds that it may take to answer. */
const TIMEOUT = 10_000;
const AWAY = 'The language server of R does not answer; try again in a moment.';
const TOO_LONG = 'This document is too long for the language server of R.';

/** A signature or a hover that has no answer, as the user goes on typing, is no error of the page. */
class Client extends LSPClient {
  request<Params, Result>(method: string, params: Params): Promise<Result> {
    const answer = super.request<Params, Result>(method, params);
    return /signatureHelp|hover/.test(method) ? answer.catch(() => null as Result) : answer;
  }
}

export class LanguageServer {
  private readonly client: LSPClient;
  private readonly connection: Connection;
  private readonly documents = new Map<SourceDocument, Compartment>();
  private root: string | null = null;

  constructor(private app: JupyterFrontEnd) {
    const sanitizer = new Sanitizer();
    this.client = new Client({
      workspace: client => new RWorkspace(client, uri => this.show(uri)),
      extensions: [diagnostics(), hoverTooltips(), signatureHelp(), lintGutter(), look],
      notificationHandlers: { 'window/logMessage': () => true },
      sanitizeHTML: html => sanitizer.sanitize(html),
      timeout: TIMEOUT
    });
    const onRoot = (root: string) => {
      if (this.root === null) {
        this.root = root;
        this.documents.forEach((_, document) => this.attach(document));
      }
    };
    this.connection = new Connection(app.serviceManager.serverSettings, this.client, onRoot, () => this.documents.size > 0);
  }

  open(document: SourceDocument): void {
    if (document.isDisposed) {
      return;
    }
    const part = new Compartment();
    document.content.editor.injectExtension?.([part.of([]), name]);
    this.documents.set(document, part);
    document.context.pathChanged.connect(() => this.attach(document));
    document.disposed.connect(() => {
      this.documents.delete(document);
      if (!this.documents.size) {
        this.connection.close();
      }
    });
    this.connection.open();
    this.attach(document);
  }

  async format(document: SourceDocument): Promise<void> {
    await this.tell(document, plugin => format(document, plugin));
  }

  async rename(document: SourceDocument): Promise<void> {
    const ask = async (name: string) =>
      (await InputDialog.getText({ title: `Rename ${name}`, label: 'New name', text: name, okLabel: 'Rename' })).value;
    await this.tell(document, plugin => rename(document, plugin, ask));
    document.content.editor.focus();
  }

  async goToDefinition(document: SourceDocument): Promise<void> {
    await this.tell(document, ({ view }) => void jumpToDefinition(view));
  }

  goToNextProblem(document: SourceDocument): void {
    nextDiagnostic(viewOf(document));
  }

  showProblems(document: SourceDocument): void {
    openLintPanel(viewOf(document));
  }

  async complete(document: SourceDocument, offset: number): Promise<CompletionHandler.ICompletionItemsReply> {
    const plugin = this.connection.isOpen && LSPPlugin.get(viewOf(document));
    return plugin ? complete(plugin, offset) : { start: offset, end: offset, items: [] };
  }

  /** What the user asked for; a sentence that it returns is shown. */
  private async tell(document: SourceDocument, run: (plugin: LSPPlugin) => Promise<string> | void): Promise<void> {
    const plugin = this.connection.isOpen ? LSPPlugin.get(viewOf(document)) : null;
    if (!plugin) {
      this.connection.open();
    }
    const isLong = viewOf(document).state.doc.length > LONGEST;
    const sentence = plugin ? await Promise.resolve(run(plugin)).catch(() => AWAY) : isLong ? TOO_LONG : AWAY;
    if (sentence) {
      Notification.warning(sentence, { autoClose: 8000 });
    }
  }

  /** Give the document to the language server under its present name. */
  private attach(document: SourceDocument): void {
    const view = viewOf(document);
    const path = document.context.path;
    const isCode = /\.(r|rmd|qmd)$/i.test(path) && !path.includes(':') && view.state.doc.length <= LONGEST;
    const known: Extension =
      isCode && this.root
        ? this.client.plugin(`${this.root}/${path.split('/').map(encodeURIComponent).join('/')}`, 'r')
        : [];
    view.dispatch({ effects: this.documents.get(document)!.reconfigure(known) });
  }

  private async show(uri: string): Promise<EditorView | null> {
    const root = decodeURIComponent(this.root ?? '');
    const address = decodeURIComponent(uri);
    if (!root || !address.startsWith(`${root}/`)) {
      return null;
    }
    const path = address.slice(root.length + 1);
    const document = await this.app.commands.execute('docmanager:open', { path, factory: 'Editor' });
    await document.context.ready;
    return viewOf(document);
  }
}

function viewOf(document: SourceDocument): EditorView {
  return (document.content.editor as CodeMirrorEditor).editor;
}
