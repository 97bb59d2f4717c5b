//! Keeps the screen on while a page is in a meeting.

/** From now on; the function that lets go. */
export function stayAwake(): () => void {
  let lock: WakeLockSentinel | null = null;
  const wake = async (): Promise<void> => {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    try {
      lock = await navigator.wakeLock.request('screen');
    } catch {
      // On battery the system may refuse; the meeting goes on.
    }
  };
  const visible = (): void => void wake();
  document.addEventListener('visibilitychange', visible);
  void wake();
  return () => {
    document.removeEventListener('visibilitychange', visible);
    void lock?.release();
  };
}
