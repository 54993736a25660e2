/** Forms that are sent once. */
import { useRef, useState, type FormEvent } from "react";

/** For the `onSubmit` of a form: it is sent once, however often Enter is pressed until there is an answer. */
export function useOnce(send: (form: HTMLFormElement) => Promise<void>): readonly [isBusy: boolean, submit: (event: FormEvent<HTMLFormElement>) => void] {
  const [isBusy, setIsBusy] = useState(false);
  const isSending = useRef(false);
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    if (isSending.current) return;
    isSending.current = true;
    setIsBusy(true);
    void send(event.currentTarget).finally(() => {
      isSending.current = false;
      setIsBusy(false);
    });
  }
  return [isBusy, submit];
}
