"""Topics of texts in Spark for R: words are counted, and the counts are the features of a model.

R names the column of texts `rc2_text`, or the one of lists of words `rc2_words`.
"""

from pyspark.ml import Pipeline
from pyspark.ml.feature import CountVectorizer, RegexTokenizer, StopWordsRemover

from rc2_data.r_format import single
from rc2_data.spark_ml import FEATURES, as_list, hold, new_estimator, outputs_of, shaped

TEXT, WORDS, KEPT = "rc2_text", "rc2_words", "rc2_kept"


class TextModel:
    """A model of counts of words, and what makes the counts of a text."""

    def __init__(self, counter, model):
        self._counter, self._model = counter, model

    def transform(self, frame):
        """The frame with what the model predicts."""
        return self._model.transform(self._counter.transform(frame)).drop(WORDS, KEPT)

    def logLikelihood(self, frame):
        """The lower bound on the log-likelihood of the frame."""
        return self._model.logLikelihood(self._counter.transform(frame))

    def logPerplexity(self, frame):
        """The upper bound on the logarithm of the perplexity of the frame."""
        return self._model.logPerplexity(self._counter.transform(frame))


def fit(connection, sql, options, outputs, words, small):
    """Fit topics to the counts of words of a query; the key, the `outputs`, and the words in the order of the counts.

    `words` says which words count: `is_text`, whether texts have to be split, `pattern` and `min_token_length` for it,
    `stop_words`, `vocab_size` and `min_df`.
    """

    def work(session):
        counter = Pipeline(stages=counting(**{name: single(content) for name, content in words.items()}))
        frame = session.sql(sql)
        fitted = counter.fit(frame)
        counts = shaped(fitted.transform(frame), small=small)
        return fitted, new_estimator("clustering.LDA", options).fit(counts), session

    counter, model, session = connection.run(work, sql)
    vocabulary = connection.attempt(lambda: list(counter.stages[-1].vocabulary))
    key = hold(connection, TextModel(counter, model), session)
    return {"model": key, "outputs": outputs_of(connection, model, outputs), "vocabulary": vocabulary}


def counting(is_text, pattern, min_token_length, stop_words, vocab_size, min_df):
    """The stages that make counts of a text or of a list of words."""
    split = RegexTokenizer(inputCol=TEXT, outputCol=WORDS, pattern=pattern, minTokenLength=int(min_token_length))
    if stop_words is None:
        stop_words = StopWordsRemover.loadDefaultStopWords("english")
    keep = StopWordsRemover(inputCol=WORDS, outputCol=KEPT, stopWords=as_list(stop_words))
    count = CountVectorizer(inputCol=KEPT, outputCol=FEATURES, vocabSize=int(vocab_size), minDF=float(min_df))
    return [*([split] if is_text else []), keep, count]
