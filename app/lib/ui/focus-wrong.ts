import { tick } from 'svelte';

/** Takes people to the first field that was refused, which may lie outside of what is seen. */
export async function focusWrong(form: HTMLElement | undefined): Promise<void> {
	await tick();
	form?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
