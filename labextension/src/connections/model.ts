/** The tree of databases in R: connections, their schemas and tables, and the columns of these. R is asked for a level when it opens. */
import { Kernel } from '@jupyterlab/services';

import { Connection } from '../connection';
import { KernelModel } from '../kernel-model';

const TARGET = 'rc2.connections';
const NONE = 'R has no connection to a database; attach a service, or connect with DBI.';

/** What R says of a part of the tree. */
export interface DbObject {
  name: string;
  kind: 'connection' | 'catalog' | 'schema' | 'table' | 'column';
  /** The parts of its name, such as schema and table. */
  path?: Record<string, string>;
  /** The R that gives the connection or the table. */
  code?: string;
  /** The class of a column in R. */
  type?: string;
}

/** A part of the tree as it is shown. */
export interface Branch extends DbObject {
  /** The R of its connection. */
  connection: string;
  /** What is inside; null before R has said it. */
  parts: Branch[] | null;
  open: boolean;
  problem: string;
}

export class ConnectionsModel extends KernelModel {
  connections: Branch[] = [];
  /** The result of the last button. */
  notice = '';
  private link: Connection | null = null;

  constructor() {
    super(TARGET, 'connections');
  }

  /** Open or close a part of the tree; what opens is asked again. */
  async toggle(branch: Branch): Promise<void> {
    branch.open = !branch.open;
    branch.problem = '';
    this.changed();
    if (!branch.open) {
      return;
    }
    try {
      const path = branch.path ?? {};
      const answer = await this.link?.ask<{ objects: DbObject[] }>({ connection: branch.connection, path });
      branch.parts = answer?.objects.map(object => branchOf(object, branch.connection)) ?? branch.parts;
    } catch (error) {
      branch.problem = (error as Error).message;
    }
    this.changed();
  }

  /** Ask for all connections again, as after an attachment. */
  async reload(): Promise<void> {
    try {
      const link = this.link;
      const answer = await link?.ask<{ objects: DbObject[] }>({});
      if (answer && link === this.link) {
        this.connections = answer.objects.map(object => branchOf(object, object.code ?? ''));
        this.message = this.connections.length ? '' : NONE;
      }
    } catch (error) {
      this.message = (error as Error).message;
    }
    this.changed();
  }

  say(notice: string): void {
    this.notice = notice;
    this.changed();
  }

  /** Show the rows of a table in the data grid. */
  view(table: Branch): void {
    this.kernel?.requestExecute({ code: `View(${table.code}, ${JSON.stringify(table.name)})`, store_history: false });
  }

  protected listen(comm: Kernel.IComm): void {
    this.link = new Connection(comm);
    void this.reload();
  }

  protected forget(): void {
    this.link?.lose();
    this.link = null;
    this.connections = [];
    this.notice = '';
  }
}

function branchOf(object: DbObject, connection: string): Branch {
  return { ...object, connection, parts: null, open: false, problem: '' };
}
