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
