/**
 * Asks before something is done.
 *
 * @module
 */

import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A question and the action behind it. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** The button that does it. */
  readonly action: string;
  readonly onYes: () => void;
}

/** A dialog; closed without an answer it means no. */
export function Confirm(
  { question, onClose }: { question: Question; onClose: () => void },
): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const { title, text, action, onYes } = question;
  return (
    <dialog ref={dialog} aria-labelledby="question" onClose={onClose}>
      <h2 id="question">{title}</h2>
      <p>{text}</p>
      <p class="actions">
        <button type="button" onClick={() => dialog.current?.close()}>Cancel</button>
        <button
          type="button"
          class="main"
          onClick={() => {
            dialog.current?.close();
            onYes();
          }}
        >
          {action}
        </button>
      </p>
    </dialog>
  );
}
