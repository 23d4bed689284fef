/*
 * The one-time token of a link.  It stands behind the address's #, which browsers do not send, and is
 * taken out of the address at once, so that it stays in no history.
 */
import { useEffect, useState } from "preact/hooks";
import { address } from "../router";

function take(): string {
  const token = new URLSearchParams(location.hash.slice(1)).get("token") ?? new URLSearchParams(location.search).get("token");
  if (!token) return "";
  history.replaceState(null, "", location.pathname);
  address.value = location.pathname;
  return token.trim();
}
export function useToken(): [token: string, set: (token: string) => void] {
  const [token, set] = useState("");
  useEffect(() => {
    const look = () => {
      const found = take();
      if (found) set(found);
    };
    look();
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return [token, set];
}
