import { applyD1Migrations } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

// The next file may run in this isolate.
afterAll(() => {
	vi.restoreAllMocks();
});
