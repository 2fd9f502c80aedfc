/** The icons of the panels, in the colours of JupyterLab's theme. */
import { LabIcon } from '@jupyterlab/ui-components';

const svg = (path: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><path class="jp-icon3" fill="#616161" d="${path}"/></svg>`;

/** A plug. */
export const servicesIcon = new LabIcon({
  name: 'rc2:services',
  svgstr: svg('M8 2v5H6v5a6 6 0 0 0 5 5.9V22h2v-4.1a6 6 0 0 0 5-5.9V7h-2V2h-2v5h-4V2z')
});

/** A table of names and values. */
export const environmentIcon = new LabIcon({
  name: 'rc2:environment',
  svgstr: svg('M3 4h18v16H3zm2 2v3h4V6zm6 0v3h8V6zm-6 5v3h4v-3zm6 0v3h8v-3zm-6 5v2h4v-2zm6 0v2h8v-2z')
});

/** A pile of disks. */
export const connectionsIcon = new LabIcon({
  name: 'rc2:connections',
  svgstr: svg(
    'M12 2C7.6 2 4 3.6 4 5.5v13C4 20.4 7.6 22 12 22s8-1.6 8-3.5v-13C20 3.6 16.4 2 12 2zm0 2c3.7 0 6 1.1 6 1.5S15.7 7 12 7 6 5.9 6 5.5 8.3 4 12 4zm6 5v3.2c0 .5-2.3 1.6-6 1.6s-6-1.1-6-1.6V9c1.5.6 3.6 1 6 1s4.5-.4 6-1zm-6 11c-3.7 0-6-1.1-6-1.6v-3.1c1.5.7 3.6 1.1 6 1.1s4.5-.4 6-1.1v3.1c0 .5-2.3 1.6-6 1.6z'
  )
});

/** A line between two axes. */
export const plotsIcon = new LabIcon({
  name: 'rc2:plots',
  svgstr: svg('M3 3h2v16h16v2H3zm4.7 13.7-1.4-1.4L11 10.6l3 3L19.3 8.3l1.4 1.4L14 16.4l-3-3z')
});

/** A box. */
export const packagesIcon = new LabIcon({
  name: 'rc2:packages',
  svgstr: svg('M12 2 3 6.5v11L12 22l9-4.5v-11zm0 2.2L17.8 7 12 9.9 6.2 7zM5 8.6l6 3v7.7l-6-3zm8 10.7v-7.7l6-3v7.7z')
});

/** A question mark in a circle. */
export const helpIcon = new LabIcon({
  name: 'rc2:help',
  svgstr: svg(
    'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2a8 8 0 1 1 0 16 8 8 0 0 1 0-16zm-1 12h2v2h-2zm1-10a4 4 0 0 0-4 4h2a2 2 0 1 1 2 2 1 1 0 0 0-1 1v2h2v-1.2A4 4 0 0 0 12 6z'
  )
});

/** A bar chart in an open book. */
export const examplesIcon = new LabIcon({
  name: 'rc2:examples',
  svgstr: svg(
    'M3 4h8v14H3zm10 0h8v14h-8zM5 12v4h1v-4zm2-3v7h1V9zm2-3v10h1V6zm6 6v4h1v-4zm2-4v8h1V8zm2 2v6h1v-6zM3 19h18v1H3z'
  )
});
