/** A panel of a sidebar whose content is loaded when it is shown for the first time. */
import { ILabShell } from '@jupyterlab/application';
import { LabIcon } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';

export class LazyPanel extends Panel {
  private loading = false;
  private isRevealed = false;

  /** `load` makes the content. */
  constructor(
    id: string,
    name: string,
    caption: string,
    icon: LabIcon,
    private load: () => Promise<Widget>
  ) {
    super();
    this.id = id;
    this.addClass('rc2-Panel');
    this.title.icon = icon;
    this.title.caption = caption;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', name);
  }

  /** Show it as R asks for it: the keyboard stays where the user works. */
  reveal(shell: ILabShell): void {
    if (!this.isVisible) {
      this.isRevealed = true;
      shell.activateById(this.id);
    }
  }

  protected onAfterShow(_: Message): void {
    void this.fill();
  }

  protected onAfterAttach(_: Message): void {
    if (this.isVisible) {
      void this.fill();
    }
  }

  /** Activated by a command: the keyboard continues in the panel. */
  protected onActivateRequest(_: Message): void {
    if (!this.isRevealed) {
      this.node.tabIndex = -1;
      this.node.focus();
    }
    this.isRevealed = false;
  }

  private async fill(): Promise<void> {
    if (this.loading) {
      return;
    }
    this.loading = true;
    this.widgets.forEach(failure => failure.dispose());
    try {
      this.addWidget(await this.load());
    } catch {
      this.loading = false; // the next show tries again
      const failure = document.createElement('p');
      failure.setAttribute('role', 'alert');
      failure.textContent = 'This panel cannot be loaded; reload the page.';
      this.addWidget(new Widget({ node: failure }));
    }
  }
}
