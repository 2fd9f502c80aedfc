/** Tells when an R ends, restarts and can be asked. */
import { Kernel } from '@jupyterlab/services';

/** `dead`: it has ended; `restarting`: it has forgotten its comms; `ready`: it takes questions, perhaps after a restart. */
export type RState = 'dead' | 'restarting' | 'ready';

/** Call `tell` with each state that an R comes to; returns what ends this. */
export function followState(
  kernel: Pick<Kernel.IKernelConnection, 'statusChanged' | 'connectionStatusChanged'>,
  tell: (state: RState) => void
): () => void {
  const onStatus = (_: unknown, status: Kernel.Status) => {
    if (status === 'dead') {
      tell('dead');
    } else if (status === 'restarting' || status === 'autorestarting') {
      tell('restarting');
    } else if (status === 'idle') {
      tell('ready');
    }
  };
  // after a restart JupyterLab asks R for nothing that would have a status, if no notebook or console does
  const onConnection = (_: unknown, status: Kernel.ConnectionStatus) => {
    if (status === 'connected') {
      tell('ready');
    }
  };
  kernel.statusChanged.connect(onStatus);
  kernel.connectionStatusChanged.connect(onConnection);
  return () => {
    kernel.statusChanged.disconnect(onStatus);
    kernel.connectionStatusChanged.disconnect(onConnection);
  };
}
