/** The text of a new R Markdown document. */
import type { Service } from '../services/service';

const FENCE = '```';
const HEADER = `---
title: "Untitled"
output: html_document
---
`;
const PLOT = `
## A plot

${FENCE}{r}
plot(cars)
${FENCE}
`;

/** A document that knits as it is: with a section for each attached service, or else with a plot. */
export function documentWith(services: Service[]): string {
  const attached = services.filter(service => service.state === 'attached' && service.r_code);
  if (!attached.length) {
    return HEADER + PLOT;
  }
  return HEADER + chunk('setup, include=FALSE', 'library(rc2)') + attached.map(section).join('');
}

/** All lines of R give the connection the same name, so each stands where it is used. */
function section(service: Service): string {
  return `\n## ${service.display_name}\n` + chunk('', service.r_code);
}

function chunk(options: string, code: string): string {
  return `\n${FENCE}{${['r', options].filter(Boolean).join(' ')}}\n${code}\n${FENCE}\n`;
}
