import { networksIn } from '#domain/webhook-address.ts';
import type { Outside } from '#worker/services/webhooks/send.ts';

/** The `Outside` port: by a network of its own where the launcher gives one (it holds what the admin allows), else the internet. */
export const outsideOf = (env: Env): Outside => ({
	fetch: (input, init) => (env.WEBHOOK_NETWORK ? env.WEBHOOK_NETWORK.fetch(input, init) : fetch(input, init)),
	open: (input, init) => fetch(input, init),
	networks: allowedNetworks(env),
	version: env.UHUB_VERSION,
});

/** A list that cannot be read allows nothing. */
export const allowedNetworks = (env: Env): string[] => networksIn(env.UHUB_WEBHOOK_NETWORKS) ?? [];
