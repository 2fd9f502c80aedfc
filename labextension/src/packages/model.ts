/** The installed packages of one R kernel at a time. What the panel does to them, it does as R code in that kernel. */
import { Kernel } from '@jupyterlab/services';

import { Connection } from '../connection';
import { KernelModel, text } from '../kernel-model';

const TARGET = 'rc2.packages';
/** Lines of R's messages that the panel keeps. */
const MAX_LINES = 500;

export interface RPackage {
  name: string;
  version: string;
  title: string;
  attached: boolean;
}

export class PackagesModel extends KernelModel {
  search = '';
  /** The result of the last action. */
  notice = '';
  /** What R says while it installs. */
  log: string[] = [];
  isInstalling = false;
  private packages: RPackage[] = [];
  private link: Connection | null = null;

  constructor() {
    super(TARGET, 'packages');
  }

  /** The packages that the table shows; all words of the search are in the name or title of each. */
  rows(): RPackage[] {
    const words = this.search.toLowerCase().split(/\s+/);
    return this.packages.filter(({ name, title }) => words.every(word => `${name} ${title}`.toLowerCase().includes(word)));
  }

  find(search: string): void {
    this.search = search;
    this.changed();
  }

  /** Attach a package, or detach it; R keeps a detached package loaded. */
  async toggle({ name, attached }: RPackage): Promise<void> {
    const code = attached ? `detach(${text(`package:${name}`)}, character.only = TRUE)` : `library(${text(name)})`;
    this.mark(name, !attached); // at once, as R may be busy
    const problem = await this.run(code);
    if (problem) {
      this.mark(name, attached);
    }
    this.notice = problem || (attached ? `${name} is detached.` : `${name} is attached.`);
    this.changed();
  }

  /** Show the topics of a package in the panel Help. */
  showHelp(name: string): void {
    void this.run(`help(package = ${text(name)})`);
  }

  /** Install the packages that a text names. */
  async install(names: string): Promise<void> {
    const wanted = names.split(/[\s,]+/).filter(Boolean);
    if (!wanted.length || this.isInstalling || !this.kernel) {
      return;
    }
    this.isInstalling = true;
    this.log = [];
    this.notice = `R installs ${wanted.join(', ')}; cells wait until it is done.`;
    this.changed();
    const problem = await this.run(`install.packages(c(${wanted.map(text).join(', ')}))`, line => this.hear(line));
    await this.reload();
    const missing = wanted.filter(name => !this.packages.some(found => found.name === name));
    this.isInstalling = false;
    this.notice =
      problem || (missing.length ? `R has not installed ${missing.join(', ')}; its messages say why.` : 'Installed.');
    this.changed();
  }

  protected listen(comm: Kernel.IComm): void {
    const link = (this.link = new Connection(comm));
    link.onNews = () => void this.reload();
    void this.reload();
  }

  protected forget(): void {
    this.link?.lose();
    this.link = null;
    this.packages = [];
    this.notice = '';
  }

  private mark(name: string, attached: boolean): void {
    this.packages = this.packages.map(each => (each.name === name ? { ...each, attached } : each));
    this.changed();
  }

  private async reload(): Promise<void> {
    const link = this.link;
    try {
      const answer = await link?.ask<{ packages: RPackage[] }>({});
      if (answer && link === this.link) {
        this.packages = answer.packages;
        this.message = '';
      }
    } catch (error) {
      this.message = (error as Error).message;
    }
    this.changed();
  }

  private hear(text: string): void {
    const lines = ((this.log.pop() ?? '') + text).split('\n');
    this.log = [...this.log, ...lines].slice(-MAX_LINES);
    this.changed();
  }
}
