import { enrolMessage } from '#protocol/agent.ts';
import { fresh } from './api-world.ts';

const base64url = (bytes: ArrayBuffer) =>
	btoa(String.fromCharCode(...new Uint8Array(bytes)))
		.replace(/\+/g, '-')
		.replace(/\//g, '_')
		.replace(/=+$/, '');

/** What an agent sends to enrol, with a key made for it. */
export async function enrolRequest(token: string, fields: object = {}) {
	const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
	const public_key = base64url((await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer);
	const signature = base64url(
		await crypto.subtle.sign('Ed25519', pair.privateKey, enrolMessage({ token, public_key })),
	);
	return { token, name: fresh('agent'), public_key, signature, version: '0.1.0', ...fields };
}
