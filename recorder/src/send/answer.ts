/** What an answer means for what was sent. */
export interface Answer {
  /** The HTTP status; 0 if there was no answer. */
  _status: number;
  /** The collector itself says what is wrong, not a proxy on the way. */
  _problem: boolean;
  /**
   * What the collector refused of it, if it was stored: only a 2xx that names what became of the body says that. A login
   * page's 200, or half of an answer, doesn't.
   */
  _rejected?: { line: number; index: number; reason: string }[];
  /** Seconds to stay away, as the server asks; 0 if it doesn't. */
  _wait: number;
  /** When the server answered, ms since the epoch by its clock; NaN if unknown. */
  _date: number;
}

/** Longest wait that is believed, in seconds: a proxy's "come back tomorrow" would be the end of this page. */
const MOST_SECONDS = 600;

/** Read an answer. Rejects for one that breaks off. */
export const answer = async (response: Response): Promise<Answer> => {
  const header = (name: string) => response.headers.get(name) || "";
  const asked = header("Retry-After");
  const wait = +asked || (Date.parse(asked) - Date.now()) / 1000;
  const said = response.ok ? await response.json() : {};
  return {
    _status: response.status,
    _problem: /problem/.test(header("Content-Type")),
    _rejected: said.accepted >= 0 && Array.isArray(said.rejected) ? said.rejected : undefined,
    _wait: wait > 0 ? Math.min(wait, MOST_SECONDS) : 0,
    _date: Date.parse(header("Date")),
  };
};
