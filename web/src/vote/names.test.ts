import { expect, it } from 'vitest';

import { namesIn } from './names';

it('a list as an office types it becomes delegates', () => {
  expect(namesIn('1. Nguyễn Văn An, Bí thư Đảng ủy\n\n Trần Thị Ước (dự thính)\n2) , \n')).toEqual([
    { name: 'Nguyễn Văn An', title: 'Bí thư Đảng ủy', votes: true },
    { name: 'Trần Thị Ước', title: '', votes: false },
  ]);
});
