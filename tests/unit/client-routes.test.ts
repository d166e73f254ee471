import { readdirSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { clientRoutes } from '#tests/support/client-routes.ts';
import { app } from '#worker/app.ts';
import { documentOf } from '#worker/http/openapi/document.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const ROUTES = path.join(ROOT, 'client/routes.ts');

/** Where each schema of the domain is exported from, by its name in the document. */
async function modules(): Promise<Map<string, string>> {
	const found = new Map<string, string>();
	for (const file of readdirSync(path.join(ROOT, 'domain'))
		.filter((name) => /(?<!\.d)\.ts$/.test(name))
		.sort()) {
		const exported = (await import(path.join(ROOT, 'domain', file))) as Record<string, unknown>;
		for (const [name, schema] of Object.entries(exported))
			if (schema instanceof z.ZodType && z.globalRegistry.get(schema)?.id === name) found.set(name, `#domain/${file}`);
	}
	return found;
}

it('the client is typed by the OpenAPI document as it is: `npm run routes` writes it anew', async () => {
	const text = clientRoutes(await documentOf(app), await modules());
	const tidy = await format(text, { ...(await resolveConfig(ROUTES)), filepath: ROUTES });
	await expect(tidy).toMatchFileSnapshot(ROUTES);
});
