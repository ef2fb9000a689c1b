// Syllables, parts of speech and emoji: data of others behind small functions. The texts and tags
// of the first test are in NLTK's documentation.
#include <gtest/gtest.h>

#include "core/text/emoji.h"
#include "core/text/pos_tagger.h"
#include "core/text/syllables.h"
#include "core/text/words.h"

namespace plumbline {
namespace {

TEST(PosTaggerTest, TagsAsNltkDocumentsIt) {
  EXPECT_EQ(FirstPartOfSpeech(WordTokenize("John's big idea isn't all that bad.")), "NNP");
  EXPECT_EQ(FirstPartOfSpeech(WordTokenize("They refuse to permit us to obtain it")), "PRP");
  EXPECT_EQ(FirstPartOfSpeech(WordTokenize("And now for something completely different")), "CC");
  EXPECT_EQ(FirstPartOfSpeech(WordTokenize("The red cat")), "DT");
}

TEST(PosTaggerTest, LooksAtWhatFollows) {
  EXPECT_EQ(FirstPartOfSpeech({"Run"}), "VB");
  EXPECT_EQ(FirstPartOfSpeech({"2024", "was"}), "CD");
  EXPECT_EQ(FirstPartOfSpeech({"-"}), ":");
}

TEST(SyllablesTest, CountsByListAndByRule) {
  EXPECT_EQ(CountSyllables("cat"), 1);
  EXPECT_EQ(CountSyllables(" River! "), 2);
  EXPECT_EQ(CountSyllables("table"), 2);
  EXPECT_EQ(CountSyllables("xyzzle"), 2);  // by rule: -le behind a consonant
  EXPECT_EQ(CountSyllables("self-care"), CountSyllables("self") + CountSyllables("care"));
  EXPECT_EQ(CountSyllables("brrr"), 1);
  EXPECT_EQ(CountSyllables("b2b"), 0);
  EXPECT_EQ(CountSyllables("..."), 0);
}

TEST(EmojiTest, KnowsTheSingleOnes) {
  for (char32_t c : {U'😀', U'☺', U'©', U'\x1FAE9', U'\x1F3FB'})
    EXPECT_TRUE(IsEmoji(c)) << uint32_t{c};
  for (char32_t c : {U'1', U'#', U'a', U'\xFE0F', U'\x200D', U'\x1F1E9', U'\x0', U'\x10FFFF'}) {
    EXPECT_FALSE(IsEmoji(c)) << uint32_t{c};
  }
}

}  // namespace
}  // namespace plumbline
