import { expect, it, jest } from '@jest/globals';
import { systemTimers } from './timers.ts';

it.each([-1, -0.0001, 2 ** 40])('systemTimers wait %d ms without a warning of the runtime', async (delayMs) => {
  const warned = jest.fn();
  process.on('warning', warned);
  const called = jest.fn();
  const cancel = systemTimers.after(delayMs, called);
  await new Promise((resolve) => setTimeout(resolve, 20));
  cancel();
  process.off('warning', warned);
  expect(warned).not.toHaveBeenCalled();
  expect(called).toHaveBeenCalledTimes(delayMs < 0 ? 1 : 0);
});
