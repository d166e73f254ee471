const ENDS = ['pointerup', 'pointercancel', 'blur'] as const;

/** Whether somebody presses on an element: what is drawn anew beneath a finger takes the press, or the drag, away from it. */
export class Press {
	#ends: Promise<void> | null = null;

	/** Resolves when nothing is pressed, and what the press has brought about is done. */
	async over(): Promise<void> {
		while (this.#ends) await this.#ends;
	}

	/** An attachment: of presses that begin on this element, wherever they end. */
	readonly on = (element: HTMLElement): (() => void) => {
		const stop = new AbortController();
		const pressed = ({ button }: PointerEvent) => {
			// Where another button opens a menu, nobody may ever tell that it is up again.
			if (button !== 0) return;
			this.#ends ??= new Promise((resolve) => {
				const ended = () => {
					for (const sign of ENDS) window.removeEventListener(sign, ended, true);
					// The click, and what is done with it, come after.
					setTimeout(() => {
						this.#ends = null;
						resolve();
					});
				};
				for (const sign of ENDS) window.addEventListener(sign, ended, true);
			});
		};
		element.addEventListener('pointerdown', pressed, { capture: true, signal: stop.signal });
		return () => {
			stop.abort();
		};
	};
}
