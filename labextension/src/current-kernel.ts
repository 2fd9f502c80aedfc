/** Tells the panel which kernel is the user's: that of the notebook, console or document in which the user worked last. */
import { ILabShell } from '@jupyterlab/application';
import { Kernel } from '@jupyterlab/services';
import { ISignal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

/** The part of a session context that is used here. */
interface Session {
  session: { kernel: Kernel.IKernelConnection | null } | null;
  kernelChanged: ISignal<unknown, unknown>;
}

interface Document {
  sessionContext?: Session;
  context?: { sessionContext: Session };
}

/** Call `use` with each kernel that becomes the user's, and with null when its document is closed. */
export function followCurrentKernel(shell: ILabShell, use: (kernel: Kernel.IKernelConnection | null) => void): void {
  let followed: Session | null = null;
  const tell = () => use(withComms(shell, followed?.session?.kernel ?? null));
  const follow = (session: Session | null) => {
    followed?.kernelChanged.disconnect(tell);
    followed = session;
    followed?.kernelChanged.connect(tell);
    tell();
  };
  const look = (widget: Widget | null) => {
    const session = sessionOf(widget);
    // a launcher or a terminal has no kernel: the last one stays
    if (session && session !== followed) {
      follow(session);
      widget?.disposed.connect(() => session === followed && follow(null));
    }
  };
  shell.currentChanged.connect((_, { newValue }) => look(newValue));
  look(shell.currentWidget);
}

/**
 * The connection that gets R's comms. JupyterLab gives them to the first one of a kernel, which can be that of the same
 * document in another tab.
 */
function withComms(shell: ILabShell, kernel: Kernel.IKernelConnection | null): Kernel.IKernelConnection | null {
  if (!kernel || kernel.handleComms) {
    return kernel;
  }
  const others = [...shell.widgets('main')].map(widget => sessionOf(widget)?.session?.kernel);
  const other = others.find(each => each?.id === kernel.id && each.handleComms);
  kernel.handleComms = !other;
  return other ?? kernel;
}

function sessionOf(widget: Widget | null): Session | null {
  const { sessionContext, context } = (widget ?? {}) as Document;
  return sessionContext ?? context?.sessionContext ?? null;
}
