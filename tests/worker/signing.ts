// What `uhub-agent sign` does, in the hub's own runtime.
import { JobTemplate, type Signature } from '#domain/job-signature.ts';
import { signedText, type Template } from '#protocol/run-spec.ts';
import { toBase64url } from '#worker/services/bytes.ts';
import type { Caller } from './api-world.ts';

/** `change`: what is signed is not quite the template. */
export async function signed(
	who: Caller,
	job_id: number,
	{ query = '', not_after = null as string | null, change = {} as Partial<JobTemplate> } = {},
): Promise<{ body: Signature; key: string; template: JobTemplate }> {
	const template = JobTemplate.parse(await who.ok('GET', `/api/jobs/${String(job_id)}/template${query}`));
	const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
	if (!('privateKey' in pair)) throw new Error('no pair of keys');
	const key = toBase64url(new Uint8Array((await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer));
	const { hub, serial } = { ...template, ...change };
	const text = signedText({
		hub,
		serial,
		not_after,
		template: { ...template, ...change }.template as unknown as Template,
	});
	const bytes = await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(text));
	return { body: { key, value: toBase64url(new Uint8Array(bytes)), serial, not_after }, key, template };
}
