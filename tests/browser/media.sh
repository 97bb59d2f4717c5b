#!/usr/bin/env bash
# Makes what the fake cameras and microphones of the tests show and say: for each site a colour with its
# name (Y4M, 1280×720, 8 frames a second: three simulcast layers on two cores) and Vietnamese speech.
#   media.sh FOLDER
set -euo pipefail
out=$1
mkdir -p "$out"

# name, colour, what is said; the voice loops.
make_one() {
  local name=$1 colour=$2 text=$3 pitch=$4
  if [ ! -s "$out/$name.y4m" ]; then
    ffmpeg -v error -y -f lavfi -i "color=c=$colour:s=1280x720:r=8:d=4" \
      -vf "drawtext=text='$name %{n}':fontsize=90:fontcolor=white:x=(w-tw)/2:y=(h-th)/2,drawtext=text='▬▬':fontsize=80:fontcolor=white:x='mod(n*40,1200)':y=600" \
      -pix_fmt yuv420p "$out/$name.part.y4m"
    mv "$out/$name.part.y4m" "$out/$name.y4m"
  fi
  if [ ! -s "$out/$name.wav" ]; then
    espeak-ng -v vi -p "$pitch" -s 150 -a 190 -w "$out/$name.raw.wav" "$text"
    ffmpeg -v error -y -i "$out/$name.raw.wav" -ar 48000 -ac 1 "$out/$name.part.wav"
    rm "$out/$name.raw.wav"
    mv "$out/$name.part.wav" "$out/$name.wav"
  fi
}

make_one chair darkred 'Kính thưa các đồng chí, tôi xin khai mạc hội nghị trực tuyến của tỉnh hôm nay. Đề nghị các điểm cầu theo dõi chương trình và chuẩn bị ý kiến phát biểu.' 40
make_one lethuy darkgreen 'Kính thưa đồng chí chủ trì, điểm cầu xã Lệ Thủy xin báo cáo tình hình phòng chống bão lụt trên địa bàn xã. Đến nay các hộ dân ven sông đã được sơ tán an toàn.' 60
make_one donghoi darkblue 'Điểm cầu phường Đồng Hới xin báo cáo tiến độ giải ngân vốn đầu tư công và công tác giải phóng mặt bằng trong sáu tháng đầu năm.' 30
make_one gioilinh purple 'Điểm cầu xã Gio Linh nhất trí với dự thảo kết luận và không có ý kiến gì thêm. Xin cảm ơn đồng chí chủ trì.' 75
