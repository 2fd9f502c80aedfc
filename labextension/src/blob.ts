/** Files that R sends in base64. */

export function asBlob(base64: string, type: string): Blob {
  return new Blob([Uint8Array.from(atob(base64), character => character.charCodeAt(0))], { type });
}

/** Have the browser save it. */
export function download(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
