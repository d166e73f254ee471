import { clientOf } from '#client/client.ts';

/** The API of the hub this page came from. */
export const api = clientOf();
