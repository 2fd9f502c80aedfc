/** State that React components show: they are rendered again when it says that it has changed. */
import { useSyncExternalStore } from 'react';

export class Store {
  private listeners = new Set<() => void>();
  private version = 0;

  protected changed(): void {
    this.version += 1;
    this.listeners.forEach(listener => listener());
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): number => this.version;
}

/** Render the component at each change of the store. */
export function useStore(store: Store): void {
  useSyncExternalStore(store.subscribe, store.snapshot);
}
