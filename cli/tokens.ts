const DAY_MS = 86_400_000;

/** When a token ends that lives so many days; where nothing is said, the hub decides. */
export const expiryIn = (days: number | undefined): { expires_at?: string } =>
	days === undefined ? {} : { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() };
