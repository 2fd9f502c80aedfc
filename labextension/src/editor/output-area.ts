/** JupyterLab's outputs, with names for screen readers. */
import { OutputArea } from '@jupyterlab/outputarea';
import { imageRendererFactory, IOutputModel, IRenderMime, IRenderMimeRegistry, RenderedImage } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';

/** Let pictures without a text of their own be named. */
export function namePictures(rendermime: IRenderMimeRegistry): void {
  rendermime.addFactory({ ...imageRendererFactory, createRenderer: options => new Picture(options) });
}

class Picture extends RenderedImage {
  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    await super.renderModel(model);
    const image = this.node.querySelector('img');
    if (image && !image.alt) {
      image.alt = 'Plot';
    }
  }
}

export class ChunkOutputArea extends OutputArea {
  protected createRenderedMimetype(model: IOutputModel): Widget | null {
    const output = super.createRenderedMimetype(model);
    if (output?.node instanceof HTMLIFrameElement) {
      output.node.title = 'Widget';
    }
    return output;
  }
}
