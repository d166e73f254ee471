import type { Attachment } from 'svelte/attachments';

let shown: HTMLElement | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

/** One bubble for the whole page, in the top layer so that dialogs do not cover it. */
function bubble(): HTMLElement {
	const there = document.getElementById('tip');
	if (there) return there;
	const made = document.createElement('div');
	made.id = 'tip';
	made.className = 'tip';
	made.setAttribute('role', 'tooltip');
	made.popover = 'manual';
	document.body.append(made);
	return made;
}

function show(target: HTMLElement, text: string) {
	const tip = bubble();
	tip.textContent = text;
	tip.showPopover();
	const at = target.getBoundingClientRect();
	const size = tip.getBoundingClientRect();
	const above = at.top > size.height + 12;
	tip.style.top = `${String(above ? at.top - size.height - 6 : at.bottom + 6)}px`;
	const left = at.left + at.width / 2 - size.width / 2;
	tip.style.left = `${String(Math.max(6, Math.min(left, innerWidth - size.width - 6)))}px`;
	target.setAttribute('aria-describedby', 'tip');
	shown = target;
}

function hide() {
	clearTimeout(timer);
	if (!shown) return;
	shown.removeAttribute('aria-describedby');
	shown = null;
	bubble().hidePopover();
}

/**
 * Explains an element on hover and focus. Nothing may be said only here: touch has no hover. What takes work to say is given
 * as a function, and said when somebody asks.
 */
export function tip(text: string | (() => string) | null | undefined): Attachment<HTMLElement> {
	return (target) => {
		if (!text) return;
		const say = () => {
			show(target, typeof text === 'string' ? text : text());
		};
		const listening = new AbortController();
		const on = (event: keyof HTMLElementEventMap, listener: (e: Event) => void) => {
			target.addEventListener(event, listener, { signal: listening.signal });
		};
		on('pointerenter', () => {
			clearTimeout(timer);
			timer = setTimeout(say, 350);
		});
		on('pointerleave', hide);
		on('focus', () => {
			if (target.matches(':focus-visible')) say();
		});
		on('blur', hide);
		on('pointerdown', hide);
		on('keydown', (e) => {
			if (e instanceof KeyboardEvent && e.key === 'Escape') hide();
		});
		return () => {
			hide();
			listening.abort();
		};
	};
}
