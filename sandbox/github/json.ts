/** JSON as an answer or a payload carries it; `undefined` members are left out. */
export type Json = null | boolean | number | string | undefined | Json[] | { [key: string]: Json };
