/** The plots that R keeps, and pictures of them at the size at which they are seen. R draws one at a time. */
import { Kernel } from '@jupyterlab/services';

import { Connection } from '../connection';
import { KernelModel } from '../kernel-model';

const TARGET = 'rc2.plots';
const CSS_PIXELS = 96; // per inch
const THUMBNAIL = { width: 6, height: 4.5, res: 27 };
const SAVED_RESOLUTION = 300; // pixels per inch

export interface Plot {
  number: number;
  /** Another one after lines() or points() in the same cell. */
  version: number;
  /** The first line of its cell. */
  code: string;
}

export type Format = 'png' | 'svg' | 'pdf';

/** In pixels of CSS. */
export interface Size {
  width: number;
  height: number;
}

export class PlotsModel extends KernelModel {
  /** The oldest first. */
  plots: Plot[] = [];
  /** The picture of the current plot in base64, perhaps still at another size; empty if there is none yet. */
  picture = '';
  /** Why there is no picture. */
  problem = '';
  /** The result of the last button. */
  notice = '';
  private number = 0; // of the current plot
  private size: Size | null = null;
  private drawn = ''; // what the picture shows
  private thumbnails = new Map<string, string>();
  private seen = new Set<number>(); // plots whose thumbnails are in sight
  private connection: Connection | null = null;
  private working = false;

  /** `density` is the number of the screen's pixels for each of CSS. */
  constructor(private density: () => number) {
    super(TARGET, 'plots');
  }

  get current(): Plot | null {
    return this.plots.find(plot => plot.number === this.number) ?? null;
  }

  /** The place of the current plot among all. */
  get place(): number {
    return this.plots.findIndex(plot => plot.number === this.number);
  }

  /** A small picture in base64; empty if there is none yet. */
  thumbnail(plot: Plot): string {
    return this.thumbnails.get(nameOf(plot)) ?? '';
  }

  choose(place: number): void {
    this.number = this.plots[place]?.number ?? this.number;
    this.notice = '';
    this.changed();
    void this.work();
  }

  /** Draw the plot at the size that the panel has now. */
  resize(size: Size): void {
    this.size = size;
    void this.work();
  }

  /** A thumbnail has come into sight. */
  see(plot: Plot): void {
    this.seen.add(plot.number);
    void this.work();
  }

  async remove(plots: Plot[]): Promise<void> {
    await this.list({ remove: plots.map(plot => plot.number) });
  }

  /** A file of the current plot in base64, width and height in inches; null if there is none. */
  async file(format: Format, width: number, height: number): Promise<string | null> {
    const plot = this.current;
    return plot && this.asking(() => this.draw(plot, { format, width, height, res: SAVED_RESOLUTION }));
  }

  say(notice: string): void {
    this.notice = notice;
    this.changed();
  }

  protected listen(comm: Kernel.IComm): void {
    this.connection = new Connection(comm);
    this.connection.onNews = () => void this.list({ list: true });
    void this.list({ list: true });
  }

  protected forget(): void {
    this.connection?.lose();
    this.connection = null;
    this.plots = [];
    this.picture = this.drawn = this.problem = this.notice = '';
    this.thumbnails.clear();
    this.seen.clear();
  }

  private async list(question: Record<string, unknown>): Promise<void> {
    const connection = this.connection;
    const answer = await this.asking(async () => connection?.ask<{ plots: Plot[] }>(question));
    if (answer && connection === this.connection) {
      this.take(answer.plots);
    }
  }

  /** A new plot is shown, as is the one that takes the place of a removed one. */
  private take(plots: Plot[]): void {
    const [place, newest] = [this.place, this.plots.at(-1)?.number ?? 0];
    this.plots = plots;
    if ((plots.at(-1)?.number ?? 0) > newest) {
      this.number = plots[plots.length - 1].number;
    } else if (!this.current) {
      this.number = plots[Math.min(Math.max(place, 0), plots.length - 1)]?.number ?? 0;
    }
    if (!plots.length) {
      this.picture = this.drawn = this.problem = '';
    }
    this.message = plots.length ? '' : 'R has drawn no plots.';
    this.notice = '';
    this.changed();
    void this.work();
  }

  /** Draw what is wanted: the current plot, then thumbnails. */
  private async work(): Promise<void> {
    if (this.working) {
      return;
    }
    this.working = true;
    for (let draw = this.next(); draw; draw = this.next()) {
      await draw();
    }
    this.working = false;
  }

  private next(): (() => Promise<void>) | null {
    const { current, size } = this;
    if (current && size && this.drawn !== nameOf(current, size)) {
      return () => this.drawCurrent(current, size);
    }
    const wanted = this.plots.find(plot => this.seen.has(plot.number) && !this.thumbnails.has(nameOf(plot)));
    return wanted ? () => this.drawThumbnail(wanted) : null;
  }

  private async drawCurrent(plot: Plot, size: Size): Promise<void> {
    this.drawn = nameOf(plot, size);
    const [width, height] = [size.width / CSS_PIXELS, size.height / CSS_PIXELS];
    const connection = this.connection;
    try {
      const picture = await this.draw(plot, { format: 'png', width, height, res: CSS_PIXELS * this.density() });
      if (connection !== this.connection) {
        return;
      }
      this.picture = picture ?? '';
      this.problem = '';
      this.thumbnails.set(nameOf(plot), this.picture); // R need not draw another one
    } catch (error) {
      this.picture = '';
      this.problem = (error as Error).message;
    }
    this.changed();
  }

  private async drawThumbnail(plot: Plot): Promise<void> {
    const { connection, thumbnails } = this;
    const picture = await this.draw(plot, { format: 'png', ...THUMBNAIL }).catch(() => '');
    if (connection === this.connection) {
      thumbnails.set(nameOf(plot), picture ?? '');
      this.changed();
    }
  }

  private async draw(
    plot: Plot,
    how: { format: Format; width: number; height: number; res: number }
  ): Promise<string | null> {
    const answer = await this.connection?.ask<{ data: string }>({ draw: plot.number, ...how });
    return answer?.data ?? null;
  }

  /** What R says is wrong is shown below the buttons. */
  private async asking<T>(question: () => Promise<T>): Promise<T | null> {
    try {
      return await question();
    } catch (error) {
      this.say((error as Error).message);
      return null;
    }
  }
}

function nameOf(plot: Plot, size?: Size): string {
  return [plot.number, plot.version, size?.width, size?.height].join(' ');
}
