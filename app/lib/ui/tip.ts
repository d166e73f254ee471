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

/** Explains an element on hover and focus. Nothing may be said only here: touch has no hover. */
export function tip(text: string | null | undefined): Attachment<HTMLElement> {
	return (target) => {
		if (!text) return;
		const enter = () => {
			clearTimeout(timer);
			timer = setTimeout(show, 350, target, text);
		};
		const focus = () => {
			if (target.matches(':focus-visible')) show(target, text);
		};
		const key = (e: KeyboardEvent) => {
			if (e.key === 'Escape') hide();
		};
		target.addEventListener('pointerenter', enter);
		target.addEventListener('pointerleave', hide);
		target.addEventListener('focus', focus);
		target.addEventListener('blur', hide);
		target.addEventListener('pointerdown', hide);
		target.addEventListener('keydown', key);
		return () => {
			hide();
			target.removeEventListener('pointerenter', enter);
			target.removeEventListener('pointerleave', hide);
			target.removeEventListener('focus', focus);
			target.removeEventListener('blur', hide);
			target.removeEventListener('pointerdown', hide);
			target.removeEventListener('keydown', key);
		};
	};
}
