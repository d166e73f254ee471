import { z } from 'zod';

// Zod would compile its schemas with `new Function`, which the Content-Security-Policy refuses. Before any schema is made.
z.config({ jitless: true });
