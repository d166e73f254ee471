import { defineParams } from '@sveltejs/kit/params';

export const params = defineParams({
	/** A row's number in an address. */
	id: (text) => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined),
});
