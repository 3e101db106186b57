/**
 * Opens an address in the user's browser.
 *
 * @module
 */

/** Opens `url`; returns whether a browser, or the desktop's launcher, was started. */
export async function openBrowser(url: string): Promise<boolean> {
  try {
    const { default: open } = await import("open");
    const started = await open(url);
    // It may fail later; the address on the terminal remains.
    started.on("error", () => {});
    return true;
  } catch {
    return false;
  }
}
