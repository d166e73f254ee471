/** Why a socket was closed, for every WebSocket of uHub. */
export const Close = {
	done: 1000,
	badFrame: 4400,
	notSignedIn: 4401,
	notAllowed: 4403,
	notFound: 4404,
	takenOver: 4409,
	tooLarge: 4413,
	tooFast: 4429,
	fault: 4500,
} as const;

/** The largest frame any socket takes, in bytes. */
export const FRAME_MAX = 1_048_576;
