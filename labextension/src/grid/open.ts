/** Opens a tab for each table that R shows with View(), and for a variable. The grid itself is loaded with the first one. */
import { ILabShell } from '@jupyterlab/application';
import { Kernel } from '@jupyterlab/services';

import { followCurrentKernel } from '../current-kernel';
import { PanelComm } from '../connection';
import { followState } from '../kernel-state';

/** The parts of a kernel's connection that are used here. */
type RKernel = Pick<Kernel.IKernelConnection, 'id' | 'createComm' | 'statusChanged' | 'connectionStatusChanged'>;

const TARGET = 'rc2.grid';

/** Follow the kernels in which the user works. */
export function openGrids(shell: ILabShell): void {
  followCurrentKernel(shell, kernel =>
    kernel?.registerCommTarget(TARGET, (comm, message) => {
      void openGrid(shell, kernel, comm, String((message.content.data as { title?: string }).title));
    })
  );
}

/** Open the variable of R in a grid. */
export function viewVariable(shell: ILabShell, kernel: RKernel, name: string): void {
  const comm = kernel.createComm(TARGET);
  void openGrid(shell, kernel, comm, name);
  comm.open({ name });
}

/** A table of that name and kernel that is already open is replaced. */
async function openGrid(shell: ILabShell, kernel: RKernel, comm: PanelComm, title: string): Promise<void> {
  const { GridPanel } = await import('./panel');
  const id = `rc2-grid-${kernel.id}-${title}`;
  [...shell.widgets('main')].find(widget => widget.id === id)?.dispose();
  const panel = new GridPanel(comm, title);
  panel.id = id;
  const unfollow = followState(kernel, state => state !== 'ready' && panel.model.lose());
  panel.disposed.connect(unfollow);
  shell.add(panel, 'main');
  shell.activateById(id);
}
