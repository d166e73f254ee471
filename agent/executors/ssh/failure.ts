import type { Reason } from '#domain/run-reason.ts';

/** A host was not reached, or does not do what it was asked; the reason says why. */
export class HostFailure extends Error {
	readonly reason: Reason;

	constructor(code: Reason['code'], message: string) {
		super(message);
		this.reason = { code, message: message.slice(0, 500) };
	}
}
