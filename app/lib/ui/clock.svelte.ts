import { createSubscriber } from 'svelte/reactivity';

/** The present, to the second, for what is shown relative to it. Ticks only while something on the page reads it. */
class Clock {
	#subscribe = createSubscriber((update) => {
		const timer = setInterval(update, 1000);
		return () => {
			clearInterval(timer);
		};
	});

	get now(): number {
		this.#subscribe();
		return Date.now();
	}
}

export const clock = new Clock();
