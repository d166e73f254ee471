import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { wildcard } from '#domain/glob.ts';
import { networksIn } from '#domain/webhook-address.ts';
import type { BackendSpec } from '#protocol/run-spec.ts';

const Network = z
	.string()
	.max(60)
	.refine((text) => networksIn(text)?.length === 1, 'expected a network such as 10.0.0.0/8');
const HostPattern = z
	.string()
	.max(253)
	.regex(/^[A-Za-z0-9.*-]+$/, 'expected the name of a host, with * for the rest');

/** What may be called by http. */
export const WebhookPolicy = z.strictObject({
	/** Where a connection may lead to, whatever name it was asked for by. */
	networks: z.array(Network).max(200).default([]),
	/** Names that may be called; an address needs none. */
	hosts: z.array(HostPattern).max(500).default([]),
});
export type WebhookPolicy = z.infer<typeof WebhookPolicy>;
export type WebhookSpec = Extract<BackendSpec, { backend: 'webhook' }>['config'];

/** Whether a connection may lead to this address. */
export function addressAllowed(address: string, networks: readonly string[]): boolean {
	const list = new BlockList();
	for (const network of networks) {
		const [first = '', bits = ''] = network.split('/');
		list.addSubnet(first, Number(bits), isIP(first) === 6 ? 'ipv6' : 'ipv4');
	}
	return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What the policy has against such a request; null: nothing. Where a name leads is looked at when it is called. */
export function webhookRefusal({ url, via }: WebhookSpec, policy: WebhookPolicy | null): string | null {
	if (!policy) return 'does not say what may be called by http (webhook)';
	if (via !== 'agent') return 'leaves to the hub what the hub itself is to send';
	const host = new URL(url).hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
	if (isIP(host) !== 0)
		return addressAllowed(host, policy.networks) ? null : `does not allow the address ${host} (webhook.networks)`;
	return policy.hosts.some((pattern) => wildcard(pattern.toLowerCase())(host.toLowerCase()))
		? null
		: `does not allow the host ${host} (webhook.hosts)`;
}

/** For `policy check`. */
export const sayWebhook = (policy: WebhookPolicy | null): string[] =>
	policy ? [`by http: ${policy.hosts.join(', ') || 'no name'}, in ${policy.networks.join(', ') || 'no network'}`] : [];
