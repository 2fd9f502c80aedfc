/** The arrow keys in a table of buttons. */
import { KeyboardEvent } from 'react';

/** The arrow keys move between the rows, of which only one is in the order of the Tab key. */
export function moveBetweenRows(event: KeyboardEvent<HTMLTableElement>): void {
  const row = (event.target as HTMLElement).closest('tbody tr');
  const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling }[event.key];
  if (next) {
    event.preventDefault();
    next.querySelector<HTMLElement>('button, input')?.focus();
  }
}
