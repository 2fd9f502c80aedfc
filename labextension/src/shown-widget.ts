/** A widget of React components that learns when the user can see it. */
import { ReactWidget } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import { ReactElement } from 'react';

export class ShownWidget extends ReactWidget {
  private shown = false;

  /** `onShown` is called with true when the user begins to see it, and with false when that ends. */
  constructor(
    private content: ReactElement,
    private onShown: (shown: boolean) => void
  ) {
    super();
  }

  protected render(): ReactElement {
    return this.content;
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.tell();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.tell();
  }

  protected onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.tell();
  }

  protected onBeforeDetach(message: Message): void {
    super.onBeforeDetach(message);
    this.set(false);
  }

  private tell(): void {
    this.set(this.isVisible);
  }

  private set(shown: boolean): void {
    if (shown !== this.shown) {
      this.shown = shown;
      this.onShown(shown);
    }
  }
}
