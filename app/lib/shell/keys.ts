/** Whether a key press belongs to what is being typed into, or to a dialog or menu. */
export function isTyping(target: EventTarget | null): boolean {
	return (
		target instanceof HTMLElement &&
		(target.isContentEditable ||
			target.closest('input, textarea, select, dialog, [role=menu], [data-own-keys]') !== null)
	);
}

/** Where `g` and a second key lead. */
export const goKeys: Readonly<Record<string, string>> = {
	h: '/',
	c: '/calendar',
	r: '/runs',
	i: '/incidents',
	f: '/fleet',
	a: '/audit',
};

/** Moves the focus along the rows of the page's lists, by `step`. */
export function moveInList(step: 1 | -1): void {
	const rows = Array.from(document.querySelectorAll<HTMLElement>('main [data-row]'));
	const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
	const next = rows[at === -1 ? (step === 1 ? 0 : rows.length - 1) : at + step];
	next?.focus();
	next?.scrollIntoView({ block: 'nearest' });
}
