import { afterAll, vi } from 'vitest';
import { emptyHubOfFile } from './empty-hub.ts';

await emptyHubOfFile();

// The next file runs in this isolate.
afterAll(() => {
	vi.restoreAllMocks();
});
